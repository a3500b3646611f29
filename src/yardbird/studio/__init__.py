"""The studio: a local web page that draws, compares, moves, sings and measures solos without a shell.

`studio_page` builds the page with Gradio from plain functions. Each tab has a module of functions without Gradio (its
desk) and a template in `web/` that escapes all text.
"""
