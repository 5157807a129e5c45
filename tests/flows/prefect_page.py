"""The Prefect UI as a person uses it: forms of deployments, runs, artifacts; every step leaves a screenshot."""

from http import HTTPStatus
from pathlib import Path

import playwright.sync_api
from playwright.sync_api import Locator, Page, Request, expect

PATIENCE_MS = 60_000
SLIDES_MS = 800
"""What slides into a page is there after that."""


class PrefectPage:
    """A page of the UI; it may ask for nothing outside its server."""

    def __init__(self, page: Page, url: str, shots: Path) -> None:
        self._page = page
        self._url = url
        self._shots = shots
        self.foreign: list[str] = []
        """What was asked for elsewhere."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._note)

    def open(self, path: str, shows: str) -> None:
        """Open a page and wait until it shows a text."""
        self._page.goto(self._url + path)
        expect(self._page.get_by_text(shows, exact=True).first).to_be_visible(timeout=PATIENCE_MS)

    def wait_for(self, text: str) -> None:
        """Wait until the page shows a text that a part of it loads later."""
        expect(self._page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    def titles(self) -> list[str]:
        """Return the titles of a form's fields in their order."""
        found = self._page.locator(".schema-form-property__label").all_inner_texts()
        return [title.removesuffix(" (Optional)") for title in found]

    def field(self, title: str) -> Locator:
        """Return a field of a form, with its explanation."""
        named = f'.schema-form-property__label:text-matches("^{title}( \\\\(Optional\\\\))?$")'
        return self._page.locator(f".p-label:has(> .p-label__header {named})")

    def explanation(self, title: str) -> str:
        return self.field(title).locator("> .p-label__header .p-label__description").inner_text()

    def refusal(self) -> Locator:
        """Return the message that slides in where an order is refused."""
        return self._page.locator(".p-toast__message").first

    def fill(self, title: str, text: str) -> None:
        field = self.field(title)
        if (text_or_none := field.get_by_text("str", exact=True)).count():
            text_or_none.click()
        field.locator("textarea, input").fill(text)

    def choose(self, title: str, option: str) -> None:
        self.field(title).locator(".p-select-button__control").press("ArrowDown")
        self._page.locator(".p-select-option").get_by_text(option, exact=True).click()

    def submit(self) -> None:
        """Order what the form says; once more, as a person would, where nothing was sent or the server was too busy."""
        for _ in range(5):
            if self._answered() not in (None, HTTPStatus.SERVICE_UNAVAILABLE):
                return
        raise AssertionError("the form cannot be submitted")

    def _answered(self) -> int | None:
        """Press Submit; return the status of the server's answer, None if it was not asked."""
        try:
            with self._page.expect_request(lambda asked: asked.url.endswith("/create_flow_run")) as asked:
                self._page.get_by_role("button", name="Submit").click()
        except playwright.sync_api.TimeoutError:
            return None
        answer = asked.value.response()
        return answer.status if answer else None

    def see(self, field: Locator, name: str) -> None:
        """Bring a field into sight and take a screenshot."""
        field.scroll_into_view_if_needed()
        self.shot(name)

    def shot(self, name: str) -> None:
        self._shots.mkdir(parents=True, exist_ok=True)
        self._page.wait_for_timeout(SLIDES_MS)
        self._page.screenshot(path=self._shots / f"{name}.png")

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self.foreign.append(request.url)
