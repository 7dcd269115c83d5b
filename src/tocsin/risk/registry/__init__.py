"""The national registry: scenarios, how likely and how bad they are, and what members' assessments add up to."""
