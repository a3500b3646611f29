"""All families side by side: what the compare stage writes, from the files that other stages wrote, and nothing else.

`gather` reads them, `facts` draws a family's own figures from them, `words` says what follows from those, `models`,
`sound` and `comparison_tables` make the tables, `plots` the data of the plots.
"""
