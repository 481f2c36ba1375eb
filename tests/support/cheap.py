"""Argon2 at its lowest cost: tests prove that a password or a PIN is checked, not what guessing it
costs."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from central.access import passwords
from central.register.people import service as people

HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))


def hash_cheaply() -> None:
    """From now on in this process, and in those that it forks."""
    passwords.ARGON2 = HASHER
    people.PINS = HASHER
