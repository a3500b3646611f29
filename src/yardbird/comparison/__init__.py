"""Compares all families, from the files of other stages only; the compare stage writes the results.

`gather` reads the files, `facts` extracts the values of each family, `words` derives strengths and weaknesses,
`models`, `sound` and `comparison_tables` make the tables, and `plots` the data of the plots.
"""
