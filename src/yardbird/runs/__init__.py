"""Runs of the pipeline: stage by stage, in the workspace or in a folder of an experiment, and the way back to one."""
