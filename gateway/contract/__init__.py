"""The wire contract: neutral ground, imported by gateway and central alike."""
