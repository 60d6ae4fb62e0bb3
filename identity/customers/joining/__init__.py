"""How somebody becomes a customer: enrolment, confirmation, a face added later, enrolling again."""
