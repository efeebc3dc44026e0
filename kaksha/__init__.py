"""Kaksha runs a coaching institute: students, parents, teachers and the front desk."""
