"""Devices that scan: whose they are, where they are, and whether they may."""
