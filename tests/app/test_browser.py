"""A real browser on the page; skipped where there is none."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rrgraph.app import Service, Worker

pytestmark = pytest.mark.slow

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
uvicorn = pytest.importorskip("uvicorn")

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,900")
TARGET = "Li7La3Zr2O12"


@pytest.fixture(scope="module")
def server(service: Service) -> Iterator[str]:
    from rrgraph.app.web import create_app

    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = create_app(service, worker=Worker(seconds=120))
        running = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        thread.join(timeout=10)


class Browser:
    """What the tests do with a page.

    Args:
        driver: of Selenium.
        base: address of the server.
    """

    def __init__(self, driver: Any, base: str) -> None:
        self.driver, self.base = driver, base

    def open(self, address: str, *, width: int = 1100) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(self.base + address)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def wait(self, condition: Any, seconds: float = 30) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"It did not happen within {seconds} s: {self.find('body').text[:500]}")

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def problems(self) -> list[str]:
        return [each["message"] for each in self.driver.get_log("browser") if each["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        messages = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def browser(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    chromedriver = shutil.which("chromedriver")
    if program is None or chromedriver is None:
        pytest.skip("Chromium or its chromedriver is not installed (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for each in OPTIONS:
        options.add_argument(each)
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    browser = Browser(driver, server)
    browser.downloads = downloads  # type: ignore[attr-defined]
    yield browser
    driver.quit()


@pytest.fixture(autouse=True)
def nothing_leaves_and_nothing_is_reported(browser: Browser) -> Iterator[None]:
    yield
    assert browser.problems() == []
    outside = [each for each in browser.requests() if not each.startswith((browser.base, "data:", "chrome:"))]
    assert outside == []


def test_from_a_formula_to_what_to_weigh(browser: Browser):
    browser.open("/")
    browser.find("#targets").send_keys(TARGET)
    browser.wait(lambda: "839.744 g/mol" in browser.find("#targets-reading").text)
    browser.find("#grams").send_keys("10")
    browser.find("#excess").send_keys("Li=10")
    browser.find("button.primary").click()
    browser.wait(lambda: browser.all(".card"))
    assert "3.3877 g" in browser.find(".card .weighed").text
    details = browser.find("#set-1 details[data-load] > summary")
    details.click()
    browser.wait(lambda: "Why" in browser.find("#set-1 .details").text if browser.all("#set-1 .details") else False)
    assert "In place of Li2CO3" in browser.find("#set-1 .details").text.replace("\n", "")


def test_the_periodic_table_avoids_and_requires(browser: Browser):
    browser.open("/?targets=BaTiO3")
    browser.find("details.options summary").click()
    browser.find("[data-symbol=C]").click()
    titanium = browser.find("[data-symbol=Ti]")
    titanium.click(), titanium.click()
    assert browser.find("#exclude").get_attribute("value") == "C"
    assert browser.find("#require").get_attribute("value") == "Ti"
    assert titanium.get_attribute("aria-label") == "Ti, require"
    browser.find("button.primary").click()
    browser.wait(lambda: browser.all(".card"))
    assert all("CO3" not in each.text for each in browser.all(".card h3"))


def test_the_shelf_stays_in_the_browser(browser: Browser, tmp_path: Path):
    shelf = tmp_path / "shelf.csv"
    shelf.write_text("formula,amount\nBaO,1 g\nTiO2,100 g\nQq,\n")
    browser.open("/?targets=BaTiO3&grams=10")
    browser.all("details.options > summary")[1].click()
    browser.find("#shelf_file").send_keys(str(shelf))
    browser.wait(lambda: "Line 4 of the shelf is left out" in browser.find("#stock-status").text)
    browser.find("button.primary").click()
    browser.wait(lambda: browser.all(".card"))
    assert "too little" in browser.find(".card").text
    browser.open("/")
    assert browser.find("#stock").get_attribute("value") == shelf.read_text()
    assert not browser.find("#use_stock").is_selected()
    browser.driver.execute_script("localStorage.clear()")


def test_a_precursor_is_changed_and_the_sets_compared(browser: Browser):
    browser.open("/set?target=BaTiO3&set=BaCO3+%2B+TiO2")
    field = browser.find("input[name=route]:not([type=hidden])")
    field.clear()
    field.send_keys("BaO + TiO2")
    browser.find("form.inline button").click()
    browser.wait(lambda: len(browser.all(".columns .card")) == 2)
    assert browser.find(".columns .value").text == "96 %"


def test_a_workbook_is_downloaded(browser: Browser):
    browser.open("/plan?targets=BaTiO3&grams=10")
    browser.find(".toolbar a[download='plan.xlsx']").click()
    found = browser.downloads / "plan.xlsx"  # type: ignore[attr-defined]
    browser.wait(found.exists)
    assert found.read_bytes()[:2] == b"PK"


def test_all_by_keyboard(browser: Browser):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.open("/")
    browser.press(Keys.TAB)
    assert browser.driver.switch_to.active_element.get_attribute("class") == "skip"
    for _ in range(30):
        if browser.driver.switch_to.active_element.get_attribute("id") == "targets":
            break
        browser.press(Keys.TAB)
    browser.press("BaTiO3")
    for _ in range(4):
        browser.press(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Avoid and require"
    browser.press(Keys.ENTER)
    while browser.driver.switch_to.active_element.get_attribute("data-symbol") is None:
        browser.press(Keys.TAB)
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.SPACE)
    assert browser.find("#exclude").get_attribute("value") == "Be"
    browser.find("#targets").click()
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    browser.wait(lambda: browser.all(".card"))


@pytest.mark.parametrize(
    "address",
    ["/", f"/plan?targets={TARGET}&grams=10", "/precursor?formula=TiO2", "/element/Zr", "/docs", "/model"],
)
def test_narrow_screens_do_not_scroll_sideways(browser: Browser, address: str):
    browser.open(address, width=360)
    for each in browser.all("details"):
        browser.driver.execute_script("arguments[0].open = true", each)
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 360


def test_hostile_text_stays_text(browser: Browser):
    hostile = "<img src=x onerror=\"document.documentElement.dataset.pwned=1\"><script>document.title='pwned'</script>"
    browser.open("/")
    browser.find("#targets").send_keys(hostile)
    browser.wait(lambda: "not a valid formula" in browser.find("#targets-reading").text)
    browser.find("button.primary").click()
    browser.wait(lambda: browser.all("p.error"))
    assert browser.find("html").get_attribute("data-pwned") is None and "pwned" not in browser.driver.title.replace(
        hostile, ""
    )


def test_nothing_serious_for_who_cannot_see(browser: Browser):
    axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    for address in ("/", f"/plan?targets={TARGET}&grams=10", "/set?target=BaTiO3&set=BaCO3+%2B+TiO2", "/element/Zr"):
        browser.open(address)
        browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": script})
        found = browser.driver.execute_async_script(
            "const [done] = arguments; axe.run().then((all) => done(all.violations.map((one) => [one.id, one.impact])))"
        )
        assert [each for each in found if each[1] in ("serious", "critical")] == [], address
