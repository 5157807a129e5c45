"""Evaluation: answer metrics, bootstrap intervals, tables of predictions and their summaries."""
