"""The warehouse app: a page that works where there is no network, and the files that it needs."""
