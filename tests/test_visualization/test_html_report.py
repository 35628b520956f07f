# Copyright (c) aemim_mm contributors. All rights reserved.
import base64
from html.parser import HTMLParser

import pytest

from aemim_mm.visualization import build_report


class _Page(HTMLParser):
    """Collects cells, images, and the tags that are open."""

    def __init__(self, html):
        super().__init__()
        self.open, self.cells, self.images, self.text = [], [], [], ''
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in ('img', 'meta'):
            self.images += [dict(attrs)] * (tag == 'img')
        else:
            self.open.append(tag)
            self.cells += [''] * (tag == 'td')

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] == 'td':
            self.cells[-1] += data


def test_page_is_complete_and_self_contained(tmp_path):
    picture = tmp_path / 'a.png'
    picture.write_bytes(b'\x89PNG not really')
    html = build_report(
        'A <title> & more',
        {'Table': {'top-1 < 80 %': 79.5, 'name': '<script>'}},
        [(picture, 'A "caption"')],
        lead='First sentence.',
        note='A quick run & no more.',
    )
    page = _Page(html)
    assert page.open == []  # every tag is closed
    assert page.cells == ['top-1 < 80 %', '79.5', 'name', '<script>']
    (image,) = page.images
    head, data = image['src'].split(',')
    assert head == 'data:image/png;base64'
    assert base64.b64decode(data) == picture.read_bytes()
    assert image['alt'] == 'A "caption"'
    for text in ('A <title> & more', 'First sentence.', 'quick run & no more'):
        assert text in page.text
    assert 'http' not in html.replace('http-equiv', '')


def test_optional_parts_are_left_out():
    html = build_report('Title', {}, [])
    for part in ('<p', '<table', '<figure>', 'Figures', '$'):
        assert part not in html


def test_missing_figure(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.png'):
        build_report('Title', {}, [(tmp_path / 'nowhere.png', '')])
