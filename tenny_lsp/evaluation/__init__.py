"""Evaluation: score a base model and an adapter, and write a report."""
