"""What people send to start a run."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

FORMATS = [("python", "Python"), ("json", "JSON"), ("yaml", "YAML")]
EXAMPLE = """from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("hello")
builder.task("greet", "tools.shell.run", args=["echo hello {{inputs.name}}"], result_key="greeting")
builder.task("remember", "tools.log.info", args=["{{greeting.stdout}}"])
workflow = builder.build()
"""


class StartForm(forms.Form):
    """A definition as source, and how to start it."""

    source_format = forms.ChoiceField(label=_("Language"), choices=FORMATS, initial="python")
    source = forms.CharField(label=_("Definition"), initial=EXAMPLE, strip=False)
    inputs = forms.CharField(label=_("Inputs (JSON object)"), initial="{}", required=False)
    queue = forms.RegexField(label=_("Queue"), regex=r"^[A-Za-z0-9_.-]{1,100}$", initial="default")
    tags = forms.CharField(label=_("Tags"), required=False)

    def clean_source(self) -> str:
        """Line ends as editors write them, whatever the browser sent."""
        source: str = self.cleaned_data["source"].replace("\r\n", "\n")
        if not source.strip():
            raise forms.ValidationError(_("Write a definition."))
        return source

    def clean_inputs(self) -> dict[str, Any]:
        """Inputs are one JSON object; an empty field is an empty object."""
        text = self.cleaned_data["inputs"].strip() or "{}"
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno, "why": error.msg}
            raise forms.ValidationError(
                _("This is no valid JSON: %(why)s in line %(line)d, column %(column)d."), params=place
            ) from error
        except RecursionError as error:
            raise forms.ValidationError(_("This is nested too deeply.")) from error
        if not isinstance(value, dict):
            raise forms.ValidationError(_('Inputs are a JSON object, such as {"name": "world"}.'))
        return value

    def clean_tags(self) -> list[str]:
        """Tags are separated by commas."""
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
