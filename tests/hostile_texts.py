"""Texts that a model could write to run in the page that shows them, to break it, or to mislead its reader."""

import pytest

MARKUP = [
    pytest.param("</script><script>window.owned = 1</script>", id="a script after the end of ours"),
    pytest.param("<img src=x onerror='window.owned = 1'>", id="an image with a handler"),
    pytest.param("<!--<script>window.owned = 1", id="a comment that swallows the end of a script"),
    pytest.param("<svg onload=window.owned=1><a href='javascript:window.owned=1'>x</a>", id="a picture with a handler"),
    pytest.param("{{ 7 * 7 }}{% raw %}${window.owned = 1}`", id="templates of both languages"),
    pytest.param('"]}</script><iframe srcdoc="<script>parent.owned=1</script>">', id="the end of a JSON text"),
]
HIDDEN = [
    pytest.param("a\u2028b\u2029c", "a⟨U+2028⟩b⟨U+2029⟩c", id="line ends that only JavaScript knows"),
    pytest.param("a\ud800b\udfffc", "a⟨U+D800⟩b⟨U+DFFF⟩c", id="halves of surrogate pairs"),
    pytest.param("a\x00b\x7f", "a␀b␡", id="NUL and DEL"),
    pytest.param("\x1b[31mred\x1b]0;title\x07", "␛[31mred␛]0;title␇", id="colours and titles of terminals"),
    pytest.param("\u202eevil\u202c\u2066x\u2069", "⟨U+202E⟩evil⟨U+202C⟩⟨U+2066⟩x⟨U+2069⟩", id="a change of direction"),
    pytest.param("a\u200bb\ufeff\u00ad", "a⟨U+200B⟩b⟨U+FEFF⟩⟨U+00AD⟩", id="what has no width"),
    pytest.param("a\rb\r\nc\td", "a␍b\nc\td", id="a carriage return alone"),
]
