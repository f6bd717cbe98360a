-- A task of Airflow that was cleared goes on for some seconds beside its next try; crm.plan_refresh has to tell them apart.
comment on column ops.run.requested is 'Options of the request: from, recut, month, known_at; and which attempt of its Airflow task asked.';
