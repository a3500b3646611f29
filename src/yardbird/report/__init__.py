"""The report: one HTML file that contains its charts, sound and notation, made from the files of other stages.

`page` assembles it: the best of the `solos` with their `roll` and their `notation`, the verdicts and `figures`, the
`strip` from one solo to another, the `quality` of the data, and the settings of the `run`; the browser draws the
`charts`. If a stage has not run, the report says so in one sentence.
"""
