"""Stored facts as files for other programs: one module a format. Portion by portion, in constant memory."""
