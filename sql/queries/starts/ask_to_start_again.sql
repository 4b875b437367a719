update aerodag.start_request set asked_at = now(), asked = asked + 1 where id = %(request_id)s
