CREATE OR REPLACE FUNCTION approval.json_number(p_what text, p_written text) RETURNS text
    -- Numbers are written with all their digits, whatever the session asks for.
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    exact numeric;
    held double precision;
    parts text[];
    sign text;
    digits text;
    place integer;
    shorter text;
BEGIN
    BEGIN
        exact := p_written::numeric;
        IF p_written !~ '[.eE]' THEN
            IF exact NOT BETWEEN -9223372036854775808 AND 18446744073709551615 THEN
                RAISE numeric_value_out_of_range;
            END IF;
            RETURN exact::text;
        END IF;
        held := p_written::double precision;
    EXCEPTION WHEN numeric_value_out_of_range THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is a number that Salt cannot carry', p_what),
            HINT = 'Whole numbers reach from -2^63 to 2^64-1, others to about 1.8e308. Give it as text, in quotes.';
    END;
    -- The shortest digits that mean this very number, the first of them at 10^place.
    parts := regexp_match(held::text, E'^(-?)(\\d+)\\.?(\\d*)e?(.*)$');
    sign := parts[1];
    digits := ltrim(parts[2] || parts[3], '0');
    IF digits = '' THEN
        RETURN sign || '0.0';
    END IF;
    place := coalesce(nullif(parts[4], '')::integer, 0) + length(parts[2]) - 1 - (length(parts[2] || parts[3]) - length(digits));
    digits := rtrim(digits, '0');
    -- PostgreSQL leaves out a shorter one that lies just in the middle between two numbers; Python takes it, as 1e+23.
    FOREACH shorter IN ARRAY ARRAY[left(digits, -1), (('0' || left(digits, -1))::numeric + 1)::text] LOOP
        CONTINUE WHEN length(digits) < 2;
        BEGIN
            IF (sign || shorter || 'e' || (place - length(digits) + 2))::double precision = held THEN
                place := place - length(digits) + 1 + length(shorter);
                digits := rtrim(shorter, '0');
                EXIT;
            END IF;
        EXCEPTION WHEN numeric_value_out_of_range THEN
            NULL;
        END;
    END LOOP;
    IF (sign || digits || 'e' || (place - length(digits) + 1))::numeric <> exact THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is a number with more digits than Salt can carry', p_what),
            HINT = 'Give at most 15 digits, or give it as text, in quotes.';
    END IF;
    RETURN sign || CASE
        WHEN place NOT BETWEEN -4 AND 15 THEN
            left(digits, 1) || CASE WHEN length(digits) > 1 THEN '.' || substr(digits, 2) ELSE '' END
            || 'e' || CASE WHEN place < 0 THEN '-' ELSE '+' END
            || lpad(abs(place)::text, greatest(2, length(abs(place)::text)), '0')
        WHEN place < 0 THEN '0.' || repeat('0', -place - 1) || digits
        WHEN place >= length(digits) - 1 THEN digits || repeat('0', place - length(digits) + 1) || '.0'
        ELSE left(digits, place + 1) || '.' || substr(digits, place + 2) END;
END
$$;
COMMENT ON FUNCTION approval.json_number IS
    'Internal: a number of JSON as Python writes it after reading it (1.10 as 1.1, 1e3 as 1000.0); p_what names it in errors. '
    'Raises AP005 where Salt''s msgpack cannot carry it, or not with all its digits.';
