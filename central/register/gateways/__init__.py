"""Gateways: invitations, enrolment, epochs and their keys."""
