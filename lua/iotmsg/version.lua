-- The one place where the version number stands.
return "0.1.0"
