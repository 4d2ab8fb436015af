CREATE TABLE entries (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  message text NOT NULL CHECK (length(message) <= 500),
  written_at timestamptz NOT NULL DEFAULT now()
);
