"""A page that says whether the database answers."""

import os

import psycopg
from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/")
def health(response: Response) -> dict[str, str]:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=2) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        response.status_code = 503
        return {"database": str(error)}
    return {"database": "ok"}
