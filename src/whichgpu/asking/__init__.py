"""Questions as people write them: requirements files, options, an interview. Imported by part: ``keys`` stays light."""
