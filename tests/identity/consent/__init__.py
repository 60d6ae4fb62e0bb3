"""Tests of identity.consent."""
