// The map: draws what is shown on a canvas, and finds the node or edge under the pointer.

const SHAPES = {
  o: (path, x, y, r) => { path.moveTo(x + r, y); path.arc(x, y, r, 0, 2 * Math.PI); },
  s: (path, x, y, r) => path.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r),
  D: (path, x, y, r) => polygon(path, x, y, [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]], r),
  "^": (path, x, y, r) => polygon(path, x, y, [[0, -1.25], [1.15, 0.8], [-1.15, 0.8]], r),
  v: (path, x, y, r) => polygon(path, x, y, [[0, 1.25], [1.15, -0.8], [-1.15, -0.8]], r),
  P: (path, x, y, r) => polygon(path, x, y, [[-0.4, -1.15], [0.4, -1.15], [0.4, -0.4], [1.15, -0.4], [1.15, 0.4], [0.4, 0.4],
    [0.4, 1.15], [-0.4, 1.15], [-0.4, 0.4], [-1.15, 0.4], [-1.15, -0.4], [-0.4, -0.4]], r),
  X: (path, x, y, r) => polygon(path, x, y, [[0, -0.5], [0.6, -1.1], [1.1, -0.6], [0.5, 0], [1.1, 0.6], [0.6, 1.1], [0, 0.5],
    [-0.6, 1.1], [-1.1, 0.6], [-0.5, 0], [-1.1, -0.6], [-0.6, -1.1]], r),
  "*": (path, x, y, r) => polygon(path, x, y, Array.from({ length: 10 }, (_, turn) => {
    const reach = turn % 2 ? 0.6 : 1.4, angle = (turn * Math.PI) / 5;
    return [reach * Math.sin(angle), -reach * Math.cos(angle)];
  }), r),
};

function polygon(path, x, y, points, r) {
  points.forEach(([dx, dy], index) => path[index ? "lineTo" : "moveTo"](x + r * dx, y + r * dy));
  path.closePath();
}

class NetworkMap {
  /** Draw a network on a canvas; `events` has `hover(item, x, y)` and `select(id)`. */
  constructor(canvas, network, events) {
    Object.assign(this, { canvas, network, events });
    this.pen = canvas.getContext("2d");
    this.most = Math.max(1, ...network.nodes.map((node) => node.reactions));
    this.byUse = [...network.nodes].sort((a, b) => b.reactions - a.reactions || b.links.length - a.links.length);
    this.camera = { x: 0, y: 0, scale: 1 };
    this.view = { nodes: new Set(), edges: [], selected: null, strength: () => 0, against: () => false, look: () => null };
    this.pointers = new Map();
    this.widths = new Map();
    this.listen();
  }

  /** Set what is shown and draw it. */
  show(view) {
    this.view = { ...this.view, ...view };
    const buckets = Array.from({ length: 10 }, () => []);
    for (const edge of this.view.edges) {
      const level = Math.min(4, Math.floor(5 * this.view.strength(edge)));
      buckets[level + (this.view.against(edge) ? 5 : 0)].push(edge);
    }
    this.buckets = buckets;
    this.redraw();
  }

  redraw() {
    if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  /** Fit the canvas to its element; `ratio` is the number of canvas pixels per CSS pixel. */
  resize(ratio = window.devicePixelRatio || 1) {
    const { clientWidth, clientHeight } = this.canvas;
    const before = this.size;
    this.size = { width: clientWidth || 1, height: clientHeight || 1, ratio };
    this.canvas.width = Math.round(this.size.width * ratio);
    this.canvas.height = Math.round(this.size.height * ratio);
    if (before && !this.touched) this.fit();
    this.draw();
  }

  /** Move the camera so that nodes (all shown by default) fill the canvas. */
  fit(ids = this.view.nodes) {
    const nodes = [...ids].map((id) => this.network.nodes[id]);
    const chosen = nodes.length ? nodes : this.network.nodes;
    if (!chosen.length) return;
    const ends = (axis) => [Math.min(...chosen.map((node) => node[axis])), Math.max(...chosen.map((node) => node[axis]))];
    const [left, right] = ends("x"), [low, high] = ends("y");
    const { width, height } = this.size;
    const margin = Math.min(70, width / 8);
    const scale = Math.min((width - 2 * margin) / Math.max(right - left, 0.05), (height - 110) / Math.max(high - low, 0.05));
    this.camera = { x: (left + right) / 2, y: (low + high) / 2, scale: Math.min(scale, 2500) };
    this.camera.y += 14 / this.camera.scale; // room for names and for the status line below
    this.redraw();
  }

  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const before = this.world(x, y);
    this.camera.scale = Math.min(2e4, Math.max(60, this.camera.scale * factor));
    const after = this.world(x, y);
    this.pan((after.x - before.x) * this.camera.scale, (after.y - before.y) * this.camera.scale);
  }

  /** Move the picture by pixels of the page. */
  pan(dx, dy) {
    this.touched = true;
    this.shift(dx, dy);
  }

  shift(dx, dy) {
    this.camera.x -= dx / this.camera.scale;
    this.camera.y -= dy / this.camera.scale;
    this.redraw();
  }

  /** Scroll a node into view. */
  reveal(id) {
    const { x, y } = this.screen(this.network.nodes[id]);
    const { width, height } = this.size;
    if (x < 60 || y < 40 || x > width - 60 || y > height - 40) this.shift(width / 2 - x, height / 2 - y);
  }

  screen(node) {
    return {
      x: (node.x - this.camera.x) * this.camera.scale + this.size.width / 2,
      y: (node.y - this.camera.y) * this.camera.scale + this.size.height / 2,
    };
  }

  world(x, y) {
    return {
      x: (x - this.size.width / 2) / this.camera.scale + this.camera.x,
      y: (y - this.size.height / 2) / this.camera.scale + this.camera.y,
    };
  }

  radius(node) {
    const closer = Math.min(2.2, Math.max(0.75, Math.sqrt(this.camera.scale / 350)));
    return (2.6 + 8 * Math.sqrt(node.reactions / this.most)) * closer;
  }

  draw() {
    if (!this.size || !this.buckets) return;
    const { pen, view } = this;
    this.colors = view.colors();
    pen.setTransform(this.size.ratio, 0, 0, this.size.ratio, 0, 0);
    pen.fillStyle = this.colors.paper;
    pen.fillRect(0, 0, this.size.width, this.size.height);
    this.at = this.network.nodes.map((node) => this.screen(node));
    this.near = this.neighbourhood();
    this.drawEdges();
    this.drawNodes();
    this.drawLabels();
  }

  /** Return the selected node with its visible neighbours, null if nothing is selected or it has none. */
  neighbourhood() {
    const { selected, edges } = this.view;
    if (selected === null) return null;
    const found = new Set([selected]);
    for (const edge of edges) {
      if (edge.a === selected) found.add(edge.b);
      if (edge.b === selected) found.add(edge.a);
    }
    return found.size > 1 ? found : null;
  }

  /** Draw lines in ten strokes, by strength and sign, which is fast for many thousands. */
  drawEdges() {
    const { pen, view, colors } = this;
    const few = Math.min(1.6, Math.max(0.55, 26 / Math.sqrt(view.edges.length + 1)));
    this.buckets.forEach((edges, level) => {
      const step = level % 5;
      pen.globalAlpha = Math.min(0.85, (0.1 + 0.08 * step) * few) * (this.near ? 0.3 : 1);
      this.stroke(edges, level < 5 ? colors.ink : colors.against, (0.6 + 0.4 * step) * Math.min(few, 1.1));
    });
    pen.globalAlpha = 0.9;
    if (this.near) {
      const own = view.edges.filter((edge) => edge.a === view.selected || edge.b === view.selected);
      this.stroke(own.filter((edge) => !view.against(edge)), colors.accent, 1.6);
      this.stroke(own.filter((edge) => view.against(edge)), colors.against, 1.6);
    }
    if (this.hovered?.edge) this.stroke([this.hovered.edge], colors.accent, 3);
    pen.globalAlpha = 1;
  }

  stroke(edges, color, width) {
    if (!edges.length) return;
    const { pen, at } = this;
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.beginPath();
    for (const edge of edges) {
      pen.moveTo(at[edge.a].x, at[edge.a].y);
      pen.lineTo(at[edge.b].x, at[edge.b].y);
    }
    pen.stroke();
  }

  drawNodes() {
    const { pen, view, colors } = this;
    for (let index = this.byUse.length - 1; index >= 0; index--) {
      const node = this.byUse[index];
      if (!view.nodes.has(node.id) && node.id !== view.selected) continue;
      const { x, y } = this.at[node.id], r = this.radius(node), look = view.look(node.id);
      if (x < -20 || y < -20 || x > this.size.width + 20 || y > this.size.height + 20) continue;
      pen.globalAlpha = this.near && !this.near.has(node.id) ? 0.22 : 1;
      pen.beginPath();
      SHAPES[look.shape](pen, x, y, r);
      pen.fillStyle = look.color;
      pen.fill();
      const marked = node.id === view.selected || node.id === this.hovered?.node?.id;
      pen.strokeStyle = marked ? colors.ink : colors.paper;
      pen.lineWidth = marked ? 2.5 : 0.8;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** Label nodes from the most used to the least, skipping labels that would overlap another. */
  drawLabels() {
    const { pen, view, near } = this;
    const taken = [];
    const first = (node) => (node.id === view.selected ? 2 : near?.has(node.id) ? 1 : 0);
    const order = near ? [...this.byUse].sort((a, b) => first(b) - first(a)) : this.byUse;
    pen.lineJoin = "round";
    for (const node of order) {
      if (!view.nodes.has(node.id) && node.id !== view.selected) continue;
      if (near && !near.has(node.id)) break;
      const { x, y } = this.at[node.id], r = this.radius(node);
      if (x < 0 || y < 0 || x > this.size.width || y > this.size.height) continue;
      const size = node.id === view.selected ? 15 : 12;
      const width = this.width(node.formula, size);
      const box = [x - width / 2 - 2, y + r + 1, x + width / 2 + 2, y + r + 5 + size];
      if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
      taken.push(box);
      this.formula(node.formula, x - width / 2, y + r + size, size);
      if (taken.length > 250) break;
    }
  }

  width(formula, size) {
    if (!this.widths.has(formula)) this.widths.set(formula, this.formula(formula, 0, 0, 10, true) / 10);
    return this.widths.get(formula) * size;
  }

  /** Draw a formula with subscripts starting at (x, y), or only return its width. */
  formula(formula, x, y, size, measure = false) {
    const { pen } = this;
    let right = x;
    for (const [text, below] of Network.pieces(formula)) {
      pen.font = `${below ? 0.74 * size : size}px system-ui, "Segoe UI", Roboto, Arial, sans-serif`;
      if (!measure) {
        pen.strokeStyle = this.colors.paper;
        pen.lineWidth = 3;
        pen.strokeText(text, right, y + (below ? 0.22 * size : 0));
        pen.fillStyle = this.colors.ink;
        pen.fillText(text, right, y + (below ? 0.22 * size : 0));
      }
      right += pen.measureText(text).width;
    }
    return right - x;
  }

  /** Return what is at a point: {node} within its mark, else {edge} within a few pixels of a line, else null. */
  pick(x, y, reach = 5) {
    if (!this.at) return null;
    let best = null, least = Infinity;
    for (const id of this.view.nodes) {
      const distance = Math.hypot(this.at[id].x - x, this.at[id].y - y) - this.radius(this.network.nodes[id]);
      if (distance < reach && distance < least) [best, least] = [{ node: this.network.nodes[id] }, distance];
    }
    if (best) return best;
    const near = this.near;
    for (const edge of this.view.edges) {
      if (near && edge.a !== this.view.selected && edge.b !== this.view.selected) continue;
      const distance = toSegment(x, y, this.at[edge.a], this.at[edge.b]);
      if (distance < Math.min(4, reach) && distance < least) [best, least] = [{ edge }, distance];
    }
    return best;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
      this.moved = this.pointers.size > 1;
    });
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (name === "pointerup" && this.pointers.size === 1 && !this.moved) {
          const found = this.pick(event.offsetX, event.offsetY, event.pointerType === "mouse" ? 5 : 14);
          this.events.select(found?.node ? found.node.id : null, found, event.offsetX, event.offsetY);
        }
        this.pointers.delete(event.pointerId);
      });
    }
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (step) this.pan(...step);
      else if (event.key === "+" || event.key === "=") this.zoom(1.3);
      else if (event.key === "-") this.zoom(1 / 1.3);
      else if (event.key === "0") this.fit();
      else return;
      event.preventDefault();
    });
  }

  move(event) {
    const here = { x: event.offsetX, y: event.offsetY };
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.hover(this.pick(here.x, here.y), here.x, here.y);
      return;
    }
    if (this.pointers.size === 1) {
      if (!this.moved && Math.hypot(here.x - before.x, here.y - before.y) < 4) return;
      this.moved = true;
      this.pan(here.x - before.x, here.y - before.y);
    } else if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y);
      this.zoom(distance(here) / Math.max(distance(before), 1), (here.x + other.x) / 2, (here.y + other.y) / 2);
      this.pan((here.x - before.x) / 2, (here.y - before.y) / 2);
    }
    this.pointers.set(event.pointerId, here);
    this.hover(null);
  }

  hover(item, x = 0, y = 0) {
    const changed = item?.node?.id !== this.hovered?.node?.id || item?.edge?.id !== this.hovered?.edge?.id;
    this.hovered = item;
    this.canvas.style.cursor = item?.node ? "pointer" : "";
    this.events.hover(item, x, y);
    if (changed) this.redraw();
  }
}

function toSegment(x, y, from, to) {
  const dx = to.x - from.x, dy = to.y - from.y;
  const along = Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}
