"""Compares all families, from the files of other stages only; the compare stage writes the results.

`gathering` reads the files, `model_facts` extracts the values of each family, `strengths` derives strengths and
weaknesses, `models_table`, `sound_tables` and `comparison_tables` make the tables from `table_cells`, and `plot_tables`
makes the data of the plots.
"""
