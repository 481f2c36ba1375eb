"""An agency's sign-on for tests: Django OAuth Toolkit in a process of its own."""
