"""What happens to a customer: enrolment, PIN, presses, updates, erasure."""
