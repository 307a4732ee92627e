"""The parts of the fix selector: what each fix promises."""
