"""The page that draws the memory as a graph: by keyboard, from a link, at the width of a desk and of a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from flows.serving.settings import ServingSettings
from tasks.answering import Engine
from tests.flows.serving.conftest import listening, opened
from tests.tasks.tiny_home import SCRIPT

TOKEN = "open-sesame-open"


@pytest.fixture(scope="module")
def url(linked: Engine) -> Iterator[str]:
    with listening(linked, ServingSettings()) as served:
        yield served


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with opened(browser, url, "/graph") as page:
        yield page


def entity(page: Page, name: str) -> None:
    page.get_by_label("an entity").check()
    page.get_by_label("A name").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Choose an entity")


def layers(page: Page) -> list[list[str]]:
    return [layer.locator(".entity").all_inner_texts() for layer in page.locator(".layer").all()]


def test_an_entity_is_drawn_between_what_leads_to_it_and_where_it_leads(page: Page):
    entity(page, "dorf")
    assert [sorted(layer) for layer in layers(page)] == [["Ada"], ["Dorf", "Stad"], ["Elbe"], ["North Sea"]]
    expect(page.locator("#lines path[marker-end]")).to_have_count(4)
    expect(page.get_by_role("status")).to_have_text("4 entries between 5 entities. Choose an entity to begin there.")
    first = page.locator("#links li").first
    expect(first).to_contain_text("Dorf")
    boxes = {name: page.get_by_role("button", name=name, exact=True).bounding_box() or {} for name in ("Ada", "Dorf")}
    assert boxes["Ada"]["x"] + boxes["Ada"]["width"] < boxes["Dorf"]["x"]


def test_it_is_walked_by_keyboard(page: Page):
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("Where does Cleo live?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Choose an entity")
    expect(page.locator("#links li").nth(1)).to_be_visible()
    entity(page, "Elbe")
    stad = page.get_by_role("button", name="Stad", exact=True)
    stad.focus()
    expect(stad).to_have_class("entity near")
    expect(page.locator("#lines g.near")).to_have_count(2)
    expect(page.locator(".link.near")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator(".entity.start")).to_have_text("Stad")
    expect(page.locator(".entity.start")).to_be_focused()
    expect(page.get_by_label("A name")).to_have_value("Stad")
    assert page.url.endswith("/graph?entity=Stad")


def test_a_link_leads_to_a_drawing(page: Page, url: str):
    page.goto(f"{url}/graph?question=Where%20does%20Ada%20live%3F")
    expect(page.get_by_label("Your question")).to_have_value("Where does Ada live?")
    expect(page.get_by_role("status")).to_contain_text("It answers")
    page.get_by_role("link", name="Ask").click()
    expect(page.get_by_label("Your question")).to_be_visible()


def test_what_is_wrong_is_told_and_the_drawing_goes_on(page: Page):
    page.get_by_label("an entity").check()
    page.get_by_label("A name").fill("Atlantis")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("names 'Atlantis': give another entity")
    entity(page, "Elbe")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.get_by_label("Entries at most").select_option("12")
    expect(page.locator("#links li")).not_to_have_count(0)


def test_html_is_shown_as_text(page: Page):
    entity(page, "Burg")
    expect(page.get_by_role("button", name=SCRIPT, exact=True)).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert page.title() == "QAMAT: the memory as a graph"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page: Page, scheme):
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    entity(page, "Elbe")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    boxes = {name: page.get_by_role("button", name=name, exact=True).bounding_box() or {} for name in ("Dorf", "Elbe")}
    assert boxes["Dorf"]["y"] + boxes["Dorf"]["height"] < boxes["Elbe"]["y"]
    for button in page.locator("button:visible").all():
        assert (button.bounding_box() or {})["height"] >= 36


def test_a_token_is_asked_for_where_it_is_wanted(browser: Browser, linked: Engine):
    with listening(linked, ServingSettings(token=SecretStr(TOKEN))) as guarded, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{guarded}/graph?entity=Elbe")
        expect(page.get_by_role("alert")).to_contain_text("wants a token")
        page.get_by_label("This server wants a token").fill(TOKEN)
        page.keyboard.press("Tab")
        expect(page.locator(".entity.start")).to_have_text("Elbe")
        expect(page.get_by_role("alert")).to_be_hidden()
