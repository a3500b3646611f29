"""The Data Docs: one page with the result of every expectation, which a browser shows without the internet.

Great Expectations checks the data, but its own pages load styles and scripts from nine servers, and differ in each run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment

from yardbird import files

if TYPE_CHECKING:
    from yardbird.data.expectations import Outcome

_VALUES = 5  # shown for a solo
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs: the checks of the ingested solos</title>
<style>
  :root { color-scheme: light dark; --error: light-dark(#b3261e, #f2857d); --warning: light-dark(#8a5a00, #e0b050);
          --met: light-dark(#2e6b3e, #7dc492); --line: light-dark(#ddd, #444) }
  body { font: 16px/1.45 system-ui, sans-serif; max-width: 64rem; margin: 1.5rem auto; padding: 0 1rem;
         background: light-dark(#fff, #181818); color: light-dark(#222, #ddd) }
  ul { list-style: none; padding: 0 }
  li { border-top: 1px solid var(--line); padding: .5rem 0; overflow-wrap: anywhere }
  .met { color: var(--met) } .error { color: var(--error) } .warning { color: var(--warning) } b { font-weight: 600 }
  small { display: block; color: light-dark(#666, #999) } details li { border: 0; padding: .1rem 0 0 1rem }
  h2 { margin-top: 2rem }
</style>
<h1>Data Docs</h1>
<p>Checks of the ingested solos with Great Expectations: {{ solos }} solos, {{ notes }} notes, {{ outcomes|length }}
expectations. <b class="{{ 'error' if counts.error else 'met' }}">Not met with severity <i>error</i>:
{{ counts.error }}</b>; such solos are set aside. <b class="{{ 'warning' if counts.warning else 'met' }}">With severity
<i>warning</i>: {{ counts.warning }}</b>; they are used.</p>
{% for table, own in tables.items() %}
<h2>{{ headings[table] }}</h2>
<ul>
{% for outcome in own %}
  <li>
    {% set state = outcome.severity if outcome.solos else 'met' %}
    <b class="{{ state }}">{{ '✓ met' if state == 'met' else '✗ ' ~ state }}</b> {{ outcome.description }}
    <small>{{ outcome.name }}, severity {{ outcome.severity }}: {{ outcome.expectation }}; {{ outcome.rows }} rows
      checked, {{ outcome.failing_rows }} fail</small>
    {% if outcome.solos %}
    <details open><summary>solos: {{ outcome.solos|length }}</summary><ul>
      {% for solo in outcome.solos %}
      <li>{{ solo }}: {{ outcome.values[solo][:most]|join('; ') }}
        {%- if outcome.values[solo]|length > most %} and {{ outcome.values[solo]|length - most }} more{% endif %}</li>
      {% endfor %}
    </ul></details>
    {% endif %}
  </li>
{% endfor %}
</ul>
{% endfor %}
</html>
"""
_HEADINGS = {"manifest": "Solos: one row for each", "notes": "Notes: one row for each"}


def write_data_docs(path: Path, solos: int, notes: int, outcomes: "Sequence[Outcome]") -> None:
    """Write the page; in each table, the expectations that are not met are first."""
    tables: Mapping[str, list[Outcome]] = {outcome.table: [] for outcome in outcomes}
    for outcome in sorted(outcomes, key=lambda outcome: not outcome.solos):
        tables[outcome.table].append(outcome)
    counts = Counter(outcome.severity for outcome in outcomes if outcome.solos)
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    text = page.render(
        solos=solos, notes=notes, outcomes=outcomes, tables=tables, counts=counts, headings=_HEADINGS, most=_VALUES
    )
    files.write_text(path, text)
