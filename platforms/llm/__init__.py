"""Language models by Claude or OpenAI: one question, one structured answer, within a deadline and a budget."""
