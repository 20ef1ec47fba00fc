"""What no template may contain: the strict policy would break it in the browser, here it is found before."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))
SCRIPTS = sorted((CHECKOUT / "templates" / "components").rglob("*.js"))
VENDOR = CHECKOUT / "static" / "vendor"

BANNED = {
    "an inline style": r"\sstyle\s*=",
    "an inline handler": r"\son[a-z]+\s*=",
    "an htmx attribute that the hx tag has not written": r"(?<!hx-partial )\shx-(?!partial|target|swap)[a-z]",
    "script without the nonce": r"<script(?![^>]*nonce=\"\{\{ CSP_NONCE \}\}\")",
    "a style element": r"<style",
    "text that is not escaped": r"\|\s*safe\b|autoescape\s+off",
    "a link to nowhere": r'href="#"',
    "an inherited nonce": r"hx-nonce:inherited",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT / "templates")))
@pytest.mark.parametrize("what", BANNED)
def test_no_template_has(what, template):
    assert re.findall(BANNED[what], template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_code_or_markup_from_text(script):
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []


def test_vendored_files_are_what_they_were():
    sums = dict(
        reversed(line.split("  "))
        for line in (VENDOR / "README.md").read_text().splitlines()
        if ".js" in line and len(line.split()[0]) == 64
    )
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.js")}
    assert found == sums
