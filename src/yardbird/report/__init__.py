"""The report: one HTML file with everything in it, charts, sound and notation, made from the files of other stages.

`page` puts it together: what was `run`, the `figures` and verdicts, the `solos` to hear with their `roll` and their
`notation`, the `strip` from one solo to another, the `quality` of the data; `charts` are drawn by the browser. What a
stage has not made is left out, and one sentence says so.
"""
