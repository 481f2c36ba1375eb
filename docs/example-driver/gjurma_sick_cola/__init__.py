"""SICK code readers (CLV, Lector) over CoLa A, as a driver of a third party."""
