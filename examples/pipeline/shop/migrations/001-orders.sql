CREATE TABLE IF NOT EXISTS orders (good text NOT NULL, pieces integer NOT NULL);
