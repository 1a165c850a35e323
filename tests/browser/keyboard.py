"""A page used by the keyboard alone: where Tab leads, and an act's form filled in by typing."""

from typing import Any

from playwright.sync_api import Error, Locator, Page

DOCUMENT = "performance.timeOrigin"  # another one for each document
MOST_STOPS = 1500
PRESSED_AT_ONCE = 25  # a date has several stops that count as one
# Everything that can be seen and used gets a number; each stop of Tab is written down with it.
WATCH = """() => {
    const wanted = "a[href], button, input, select, textarea, summary, [tabindex]";
    let number = 0;
    window.stops = [];
    document.addEventListener("htmx:beforeRequest", (event) => event.preventDefault()); // it stays
    for (const it of document.querySelectorAll(wanted)) {
        const usable = !it.disabled && it.type !== "hidden" && it.tabIndex >= 0;
        if (usable && it.checkVisibility({ visibilityProperty: true })) it.dataset.stop = number++;
    }
    document.addEventListener("focusin", (event) => {
        const it = event.target, style = getComputedStyle(it);
        const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        const box = it.getBoundingClientRect();
        window.stops.push([it.dataset.stop ?? "", ring, box.width * box.height > 0, it.outerHTML]);
    });
    return number;
}"""
# Radio buttons of one name are one stop, between which the arrows move.
WANTED = """() => [...document.querySelectorAll("[data-stop]")].filter((it) => it.type !== "radio"
    || it.checked || !document.querySelector(`input[name="${it.name}"]:checked`)
).map((it) => [it.dataset.stop, it.outerHTML.slice(0, 160)])"""


def trouble_with_tab(page: Page) -> list[str]:
    """What Tab does not reach, because it is no stop or one before holds on, or does not show."""
    count = page.evaluate(WATCH)
    wanted: dict[str, str] = dict(page.evaluate(WANTED))
    page.evaluate("document.activeElement.blur()")
    pressed = 0
    stops: list[list[Any]] = []
    while set(wanted) - {stop for stop, *_ in stops} and pressed < min(count * 2 + 40, MOST_STOPS):
        for _ in range(PRESSED_AT_ONCE):
            page.keyboard.press("Tab")
        pressed += PRESSED_AT_ONCE
        stops = page.evaluate("window.stops")
    reached = {stop for stop, *_ in stops}
    found = [f"never reached: {wanted[n]}" for n in wanted if n not in reached]
    found += [
        f"focus is not seen: {html[:160]}" for stop, ring, has_size, html in stops
        if stop and not (ring and has_size)
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def tab_to(page: Page, target: Locator) -> None:
    """Tab until it has the focus. Raises AssertionError where that never comes."""
    for _ in range(MOST_STOPS):
        if target.evaluate("(it) => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


def unfold(page: Page, target: Locator) -> None:
    """Open what the target is folded into, by its summary."""
    while not target.is_visible():
        closed = (
            target.locator("xpath=ancestor::details[not(@open)]").first.locator("summary").first
        )
        tab_to(page, closed)
        page.keyboard.press("Enter")


def act(page: Page, form: Locator, **typed: str) -> None:
    """Fill a form in by its fields' names and send it, with nothing but keys."""
    button = form.locator("button:not([type=button])").last
    for name, text in tuple(typed.items()):
        choice = form.locator(f"button[name={name}][value='{text}']")
        if choice.count():  # pressing it is the answer
            button = choice
            del typed[name]
    unfold(page, button)
    for name, text in typed.items():
        field = form.locator(f"[name={name}]")
        tab_to(page, field)
        if field.evaluate("(it) => it.type === 'date'"):
            year, month, day = text.split("-")
            page.keyboard.type(f"{month}{day}{year}")
        elif field.evaluate("(it) => it.tagName === 'SELECT'"):
            wanted = field.locator(f"option[value='{text}']").inner_text()
            page.keyboard.type(wanted)
        else:
            page.keyboard.press("Control+a")
            page.keyboard.type(text)
    tab_to(page, button)
    before = page.evaluate(DOCUMENT)
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.keyboard.press("Enter")
    if answered.value.request.is_navigation_request():
        _another_document(page, before)


def _another_document(page: Page, before: float) -> None:
    """Until the page that a sent form leads to has loaded; the one before counts as loaded too."""
    for _ in range(600):
        try:
            if page.evaluate(DOCUMENT) != before:
                break
        except Error:  # asked between the two
            pass
        page.wait_for_timeout(50)
    page.wait_for_load_state()
