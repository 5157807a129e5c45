"""The page in a browser: asked by keyboard, entries taken out and put back, text that stays text, a phone's width."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pydantic import SecretStr

from flows.serving.settings import ServingSettings
from tasks.answering import Engine
from tests.flows.serving.conftest import listening, opened
from tests.tasks.tiny_home import SCRIPT

QUESTION = "Where does Cleo live?"
TOKEN = "open-sesame-open"


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    with listening(engine, ServingSettings()) as served:
        yield served


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with opened(browser, url) as page:
        yield page


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("#asked")).to_have_text(question.strip())
    expect(page.locator("body")).not_to_have_class("waiting")


def test_a_question_is_asked_by_keyboard_and_shows_what_was_read(page: Page, engine: Engine):
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    found = page.locator("#entries .entry")
    expect(found).to_have_count(2)
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(page.get_by_role("link", name="as a graph").last).to_have_attribute(
        "href", "graph?question=Where%20does%20Cleo%20live%3F"
    )
    expect(page.get_by_role("meter")).to_have_attribute("aria-valuenow", page.locator("#confidence-value").inner_text())
    expect(page.locator("#version-list")).to_contain_text("checkpoint/tuned@0")
    expect(page.locator("#version-list")).to_contain_text("qa_pairs/m@0")
    first = found.first
    assert engine.entry(first.get_attribute("data-id") or "").answer == first.locator("mark").inner_text()
    expect(first.locator(".source")).to_contain_text("gold")
    assert float(first.locator(".number").inner_text()) >= float(found.last.locator(".number").inner_text())
    found.last.locator("summary").focus()
    expect(found.last.locator(".passage")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(found.last.locator(".passage")).to_be_visible()


def test_an_entry_is_taken_out_and_put_back_by_keyboard(page: Page):
    ask(page, QUESTION)
    first = page.locator("#entries .entry").first
    gone = first.get_attribute("data-id") or ""
    first.get_by_role("button", name="Take out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ask again without it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#before")).to_contain_text("with all entries")
    expect(page.locator("#answer")).to_be_focused()
    expect(page.locator(f"[data-id={gone}]")).to_have_count(0)
    page.get_by_role("button", name="Put back").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#taken")).to_be_hidden()
    ask(page, QUESTION)
    expect(page.locator(f"[data-id={gone}]")).to_have_count(1)


def test_it_abstains_below_the_threshold(page: Page):
    page.get_by_text("How it answers").click()
    page.get_by_label("Abstain below").fill("1")
    ask(page, QUESTION)
    expect(page.locator("#answer")).to_have_text("No answer")
    expect(page.locator("#abstains")).to_contain_text("It would have said")


def test_html_is_shown_as_text(page: Page):
    ask(page, SCRIPT)
    expect(page.locator("#asked")).to_have_text(SCRIPT)
    for _ in range(5):
        if page.locator("[data-id=q0]").count():
            break
        for place in range(page.locator(".entry").count()):
            page.locator(".entry .take").nth(place).click()
        page.locator("#again").click()
        expect(page.locator("#entries .entry.out")).to_have_count(0)
    entry = page.locator("[data-id=q0]")
    expect(entry.locator(".q")).to_contain_text(SCRIPT)
    expect(entry.locator(".passage")).to_contain_text(SCRIPT)
    expect(entry.locator("mark")).to_have_text("Dorf")
    assert page.locator("main img, main script").count() == 0
    assert page.title() == "QAMAT"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page: Page, scheme):
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    page.get_by_text("How it answers").click()
    ask(page, "Where does " + "Cleo" * 60 + " live?")
    page.locator("#entries .entry").first.get_by_role("button", name="Take out").click()
    for summary in page.locator(".entry summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for button in page.locator("button:visible").all():
        assert (button.bounding_box() or {})["height"] >= 36


def _refusing(status: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, json={"error": "a question has 1 to 2000 characters"})


def test_what_goes_wrong_is_told_in_words(page: Page, browser: Browser, engine: Engine):
    for status, words in ((429, "You ask faster than this server allows"), (422, "a question has"), (503, "waiting")):
        page.route("**/ask", _refusing(status))
        page.get_by_label("Your question").fill(QUESTION)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(words)
    page.route("**/ask", lambda route: route.abort())  # the last route counts: between none and one, requests get out
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    page.unroute("**/ask")
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_token_is_asked_for_where_it_is_wanted(browser: Browser, engine: Engine):
    with listening(engine, ServingSettings(token=SecretStr(TOKEN))) as guarded, browser.new_context() as context:
        page = context.new_page()
        page.goto(guarded)
        expect(page.get_by_role("alert")).to_contain_text("wants a token")
        page.get_by_label("This server wants a token").fill(TOKEN)
        ask(page, QUESTION)
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#entries .entry")).to_have_count(2)
