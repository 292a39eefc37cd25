"""The page of results says what the results say."""

from benchmarks.page import PAGE, SECTIONS, page, read_results


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(read_results()), "run python -m benchmarks.page"


def test_every_section_has_its_result() -> None:
    assert SECTIONS.keys() <= read_results().keys()
