"""Auralflow: music source separation."""
