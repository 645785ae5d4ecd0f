"""Rollout of a network: promotion, rollback, plans on volumes."""
