"""What one of several is called: never a word that is none, and no guess where there are two."""

import click
import pytest

from app.core.cli.scaffold.singulars import singular_of

PLAIN = """
    notes note, line_items line_item, reviews review, transactions transaction, orders order, users user, days day,
    menus_items menus_item, trees tree, areas area, videos video, invoices invoice, pages page, titles title,
    categories category, companies company, queries query, deliveries delivery, sub_categories sub_category,
    movies movie, cookies cookie, ties tie, boxes box, taxes tax, indexes index, suffixes suffix, addresses address,
    classes class, dishes dish, hashes hash, batches batch, branches branch, searches search, coaches coach,
    speeches speech, statuses status, viruses virus, campuses campus, buses bus, houses house, purchases purchase,
    databases database, releases release, courses course, responses response, licenses license, exercises exercise,
    enterprises enterprise, doses dose, clauses clause, phrases phrase, sizes size, prizes prize, archives archive,
    moves move, reserves reserve, shelves shelf, bookshelves bookshelf, people person, sales_people sales_person,
    children child, women woman, mice mouse, quizzes quiz, heroes hero, caches cache, leaves leaf, analyses analysis
"""
DOUBTFUL = """
    note news series species status address analysis gas lens canvas axes bases data media staff sheep crises headaches
    echoes toes elves excuses s as menus
"""


@pytest.mark.parametrize("words", PLAIN.split(","))
def test_what_is_plain_needs_no_word_of_the_author(words: str) -> None:
    several, one = words.split()

    assert singular_of(several) == one


@pytest.mark.parametrize("several", DOUBTFUL.split())
def test_a_doubt_is_said(several: str) -> None:
    with pytest.raises(click.UsageError, match=f"the singular of '{several}' is not clear"):
        singular_of(several)
