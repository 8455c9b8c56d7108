from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.mark.django_db
def test_the_landing_page_leads_a_stranger_to_the_admin(client: Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert 'href="/admin/offload/"' in answer.text
    assert "nav-sidebar" not in answer.text


@pytest.mark.django_db
def test_staff_keeps_the_navigation_of_the_admin(admin_client: Client) -> None:
    assert "nav-sidebar" in admin_client.get("/").text


@pytest.mark.django_db
def test_pages_may_load_nothing_from_elsewhere_and_do_not_try(client: Client) -> None:
    answer = client.get("/")

    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|(src|href)=.https?:", answer.text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "told"), [("author", "are made at another site, render"), ("render", "are made here")]
)
def test_each_site_says_which_one_it_is(
    client: Client, settings: Any, site: str, told: str
) -> None:
    settings.SITE = site

    text = client.get("/").text

    assert f"Asset store: {site}" in text
    assert told in text


@pytest.mark.django_db
def test_the_admin_says_of_which_site_it_is(admin_client: Client) -> None:
    assert "Asset store: author" in admin_client.get("/admin/").text
