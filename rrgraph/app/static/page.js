// Comfort on top of pages that work without it: how formulas are read, the periodic table, the shelf, details on demand.
"use strict";

const byId = (id) => document.getElementById(id);

function later(action, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

// Formulas with subscripts, as elements, so that no text becomes markup.
function appendFormula(parent, text) {
  for (const part of text.split(/(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/)) {
    if (/^\d/.test(part) && parent.lastChild) {
      const sub = document.createElement("sub");
      sub.textContent = part;
      parent.append(sub);
    } else {
      parent.append(part);
    }
  }
}

async function readFormula(text) {
  const response = await fetch("/reading?text=" + encodeURIComponent(text));
  return response.ok ? response.json() : null;
}

function line(text, kind) {
  const paragraph = document.createElement("div");
  if (kind) paragraph.className = kind;
  paragraph.append(text);
  return paragraph;
}

function showReadings(field, place) {
  const known = new Map();
  const show = async () => {
    const texts = field.value.split(/[\n;]/).map((text) => text.trim()).filter(Boolean).slice(0, 10);
    const lines = [];
    for (const text of texts) {
      if (!known.has(text)) {
        try {
          const found = await readFormula(text);
          if (!found) continue;
          known.set(text, found);
        } catch {
          continue;
        }
      }
      const found = known.get(text);
      if (found.error) {
        lines.push(line(found.error, "bad"));
        continue;
      }
      const read = line("");
      appendFormula(read, found.formula);
      const amounts = Object.entries(found.amounts).map(([symbol, amount]) => `${symbol} ${+amount.toPrecision(6)}`);
      read.append(`: ${amounts.join(", ")}; ${found.molar_mass} g/mol`);
      lines.push(read, ...found.notes.map((note) => line(note)));
    }
    const now = field.value.split(/[\n;]/).map((text) => text.trim()).filter(Boolean).slice(0, 10);
    if (now.join("\n") === texts.join("\n")) place.replaceChildren(...lines);
  };
  field.addEventListener("input", later(show, 250));
  if (field.value.trim()) show();
}

const names = (field) => field.value.split(",").map((name) => name.trim()).filter(Boolean);

function setName(field, name, wanted) {
  const others = names(field).filter((other) => other !== name);
  field.value = (wanted ? [...others, name] : others).join(", ");
}

function periodicTable(box, exclude, require) {
  const buttons = [...box.querySelectorAll("button")];
  const at = new Map(buttons.map((button) => [`${button.dataset.row} ${button.dataset.column}`, button]));
  const show = () => {
    const avoided = names(exclude);
    const required = names(require);
    for (const button of buttons) {
      const symbol = button.dataset.symbol;
      const state = avoided.includes(symbol) ? "avoid" : required.includes(symbol) ? "require" : "";
      button.classList.toggle("avoid", state === "avoid");
      button.classList.toggle("require", state === "require");
      button.setAttribute("aria-label", state ? `${symbol}, ${state}` : symbol);
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const symbol = button.dataset.symbol;
      const avoided = names(exclude).includes(symbol);
      const required = names(require).includes(symbol);
      setName(exclude, symbol, !avoided && !required);
      setName(require, symbol, avoided);
      show();
    });
    button.addEventListener("focus", () => {
      for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
    });
  }
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  box.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || !event.target.dataset.symbol) return;
    event.preventDefault();
    let row = +event.target.dataset.row;
    let column = +event.target.dataset.column;
    for (let tries = 0; tries < 18; tries++) {
      row += step[0];
      column += step[1];
      const next = at.get(`${row} ${column}`);
      if (next) {
        next.focus();
        return;
      }
    }
  });
  buttons[0].tabIndex = 0;
  exclude.addEventListener("input", show);
  require.addEventListener("input", show);
  show();
  box.hidden = false;
}

function shelf(field, file, tick, status) {
  const key = "rrgraph.shelf";
  const keep = () => {
    try {
      if (field.value) localStorage.setItem(key, field.value);
      else localStorage.removeItem(key);
    } catch {
      status.textContent = "This browser keeps nothing, so the shelf is lost when the page is closed.";
    }
  };
  try {
    if (!field.value && localStorage.getItem(key)) {
      field.value = localStorage.getItem(key);
      status.textContent = "Your shelf from last time.";
    }
  } catch {
    // Nothing is kept, and so nothing is there.
  }
  field.addEventListener("input", later(keep, 300));
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const data = new FormData();
    data.append("shelf_file", file.files[0]);
    const response = await fetch("/shelf", { method: "POST", body: data });
    if (response.headers.get("content-type").startsWith("application/json")) {
      const found = await response.json();
      if (found.text !== undefined) {
        field.value = found.text;
        tick.checked = true;
        file.value = "";
        keep();
        status.textContent = ["The file was read.", ...found.notes].join(" ");
      } else {
        status.textContent = found.error;
      }
    } else {
      status.textContent = "The file cannot be sent: it is too large.";
    }
  });
}

// What scrolls can be reached with the keyboard.
function reachScrolled() {
  for (const box of document.querySelectorAll(".scroll, .prose, pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

function loadDetails(details) {
  details.addEventListener("toggle", async () => {
    if (!details.open || !details.dataset.load) return;
    const address = details.dataset.load;
    delete details.dataset.load;
    const place = document.createElement("div");
    place.setAttribute("aria-live", "polite");
    place.textContent = "One moment ...";
    details.append(place);
    const response = await fetch(address);
    if (!response.ok) {
      place.textContent = "The answer did not come. Open the page of this set, or try again in a moment.";
      details.dataset.load = address;
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    place.replaceChildren(...page.body.children);
    reachScrolled();
  });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const [name, place] of [["targets", "targets-reading"], ["target", "target-reading"]]) {
    if (byId(name) && byId(place)) showReadings(byId(name), byId(place));
  }
  if (byId("periodic")) periodicTable(byId("periodic"), byId("exclude"), byId("require"));
  if (byId("stock")) shelf(byId("stock"), byId("shelf_file"), byId("use_stock"), byId("stock-status"));
  document.querySelectorAll("details[data-load]").forEach(loadDetails);
  reachScrolled();
  addEventListener("resize", later(reachScrolled, 200));
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  for (const form of document.querySelectorAll("form.ask")) {
    form.addEventListener("submit", () => form.querySelector("button.primary, button[type=submit]").setAttribute("aria-busy", "true"));
  }
  const targets = byId("targets");
  if (targets) {
    targets.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) targets.form.requestSubmit();
    });
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
