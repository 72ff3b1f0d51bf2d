"""Processes that do one task after another, and may die without taking more than that task's time with them."""
