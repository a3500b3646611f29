"""Classifiers of style: whose is a solo, or an excerpt?"""
