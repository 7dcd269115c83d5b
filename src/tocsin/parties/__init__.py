"""Organisations, their people and services, what they are cleared for, and how they prove who they are."""
