namespace Gateway.Storage;

/// <summary>Lua scripts: Redis runs each script atomically. All keys share one hash tag, so scripts may also use keys that they find in others.</summary>
internal static class RedisScripts
{
    /// <summary>Checks of key types. An unreadable key must not make a script fail, because the script would fail for everyone who uses the key.</summary>
    public const string TypeFunctions = """
        local function has(key, type) return redis.call('TYPE', key).ok == type end
        local function remove_wrong_type(key, type)
            if redis.call('EXISTS', key) == 0 or has(key, type) then return false end
            redis.call('DEL', key)
            return true
        end
        local function fields(key, ...)
            if has(key, 'hash') then return redis.call('HMGET', key, ...) end
            return {}
        end

        """;

    /// <summary>The count and the remaining milliseconds of a counter of failures. An unreadable counter, or one without expiry, counts as absent.</summary>
    private const string FailureFunction = TypeFunctions + """
        local function failures(key)
            if not has(key, 'string') or redis.call('STRLEN', key) > 15 then return 0, 0 end
            local count, left = tonumber(redis.call('GET', key)), redis.call('PTTL', key)
            if not count or count < 1 or left < 1 then return 0, 0 end
            return math.floor(count), left
        end

        """;

    /// <summary>
    /// Redis's clock decides the order. Gateways send ages, not timestamps, because their clocks may differ.
    /// </summary>
    private const string AgoFunction = TypeFunctions + """
        local function time_of_age(age)
            local time = redis.call('TIME')
            return time[1] * 1000 + math.floor(time[2] / 1000) - math.max(tonumber(age), 0)
        end

        """;

    /// <summary>
    /// Returns the time of a tombstone. An unreadable tombstone is replaced by a tombstone of this moment that lasts a day: the person must sign in
    /// once more, but is not locked out forever. The second result says whether the tombstone was unreadable.
    /// </summary>
    private const string TombstoneFunction = AgoFunction + """
        local function tombstone(key)
            if redis.call('EXISTS', key) == 0 then return nil, false end
            local now = time_of_age(0)
            if has(key, 'string') and redis.call('STRLEN', key) <= 20 then
                local at = tonumber(redis.call('GET', key))
                if at and at >= 0 and at <= now + 600000 and redis.call('PTTL', key) ~= -1 then return at, false end
            end
            redis.call('SET', key, string.format('%.0f', now), 'PX', 86400000)
            return now, true
        end

        """;

    /// <summary>
    /// Adds a session. KEYS: session, tombstone and index of the person, tombstone and index of the `sid`. ARGV: age of the provider's answer, now,
    /// expiry, idle timeout, name, prefix of sessions, fields.
    /// Returns 1; 2 if an index was unreadable; 0 if a tombstone forbids the session; -1 if that tombstone was unreadable.
    /// </summary>
    public const string Add = TombstoneFunction + """
        for at = 2, #KEYS, 2 do
            local ended, unreadable = tombstone(KEYS[at])
            if ended and (at == 4 or unreadable or ended >= time_of_age(ARGV[1])) then return unreadable and -1 or 0 end
        end
        local asserted = time_of_age(ARGV[1])
        local life = math.max(tonumber(ARGV[3]) - tonumber(ARGV[2]), 1)
        local answer = 1
        redis.call('DEL', KEYS[1])
        for at = 7, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
        redis.call('HSET', KEYS[1], 'heard', string.format('%.0f', asserted))
        redis.call('PEXPIRE', KEYS[1], math.min(life, tonumber(ARGV[4])))
        for at = 3, #KEYS, 2 do
            if remove_wrong_type(KEYS[at], 'set') then answer = 2 end
            -- Expired sessions leave their names in the index. Each addition checks five names and removes those without a session.
            for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[at], 5)) do
                if redis.call('EXISTS', ARGV[6] .. name) == 0 then redis.call('SREM', KEYS[at], name) end
            end
            redis.call('SADD', KEYS[at], ARGV[5])
            if redis.call('PTTL', KEYS[at]) < life then redis.call('PEXPIRE', KEYS[at], life) end
        end
        return answer
        """;

    /// <summary>Replaces the record if the version is unchanged. KEYS: session. ARGV: version, record, info.</summary>
    public const string Replace = TypeFunctions + """
        if fields(KEYS[1], 'version')[1] ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], 'record', ARGV[2], 'info', ARGV[3])
        redis.call('HINCRBY', KEYS[1], 'version', 1)
        return 1
        """;

    /// <summary>Stores a later use and moves the idle expiry. KEYS: session. ARGV: time of the use, idle timeout.</summary>
    public const string Touch = TypeFunctions + """
        local kept = fields(KEYS[1], 'used', 'expires', 'has_idle_timeout')
        local used, expires = tonumber(kept[1] or ''), tonumber(kept[2] or '')
        if not used or not expires or not (expires >= 0 and expires < 1e15) or used >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'used', ARGV[1])
        local life = expires - tonumber(ARGV[1])
        if kept[3] ~= '0' then life = math.min(life, tonumber(ARGV[2])) end
        redis.call('PEXPIRE', KEYS[1], math.max(life, 1))
        return 1
        """;

    /// <summary>Replaces the info for lists. KEYS: session. ARGV: info.</summary>
    public const string SetInfo = TypeFunctions + """
        if fields(KEYS[1], 'version')[1] then redis.call('HSET', KEYS[1], 'info', ARGV[1]) end
        return 1
        """;

    /// <summary>Removes a session. KEYS: session. ARGV: name, channel, sending gateway, 1 to publish even if there is no session, prefix of indexes.
    /// </summary>
    /// <remarks>PUBLISH may fail if the Redis user lacks the permission. Other gateways then notice the end when they ask Redis again.</remarks>
    public const string Remove = TypeFunctions + """
        local of = fields(KEYS[1], 'sid', 'person')
        local gone = redis.call('DEL', KEYS[1])
        for at = 1, 2 do
            if of[at] and of[at] ~= '' then redis.pcall('SREM', ARGV[5] .. of[at], ARGV[1]) end
        end
        if gone == 1 or ARGV[4] == '1' then redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. ARGV[1]) end
        return gone
        """;

    /// <summary>In the result of <see cref="EndAll"/>: the index was unreadable, and no session was ended.</summary>
    public const string UnreadableIndex = "!index";

    /// <summary>In the result of <see cref="EndAll"/>: a member of the index was unreadable and was removed.</summary>
    public const string UnreadableMember = "!member";

    /// <summary>In the result of <see cref="EndAll"/>: the earlier tombstone was unreadable and was replaced.</summary>
    public const string UnreadableTombstone = "!tombstone";

    /// <summary>
    /// Ends all sessions of an index and leaves a tombstone. KEYS: index, tombstone. ARGV: age of the revocation, TTL of the tombstone in
    /// milliseconds, channel, sending gateway, 1 if the revocation is sent late and later sessions of the person stay, name of the index, prefix of
    /// sessions, prefix of indexes.
    /// </summary>
    /// <remarks>
    /// The sessions are removed before the tombstone is written: a Redis without free memory refuses new data, but lets a script finish after its first
    /// write. Unreadable sessions end, too.
    /// </remarks>
    public const string EndAll = TombstoneFunction + """
        if remove_wrong_type(KEYS[1], 'set') then return {'!index'} end
        local at = time_of_age(ARGV[1])
        local ended = {}
        local unreadable = {}
        for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
            local key = ARGV[7] .. name
            local of = fields(key, 'sid', 'person', 'heard')
            local asserted = tonumber(of[3] or '')
            local later = ARGV[5] == '1' and of[2] == ARGV[6] and asserted and asserted > at
            if #name ~= 64 or string.find(name, '[^0-9a-f]') then
                redis.call('SREM', KEYS[1], name)
                unreadable[1] = '!member'
            elseif redis.call('EXISTS', key) == 0 then
                redis.call('SREM', KEYS[1], name)
            elseif not later then
                redis.call('DEL', key)
                redis.call('SREM', KEYS[1], name)
                table.insert(ended, name)
                for at = 1, 2 do
                    if of[at] and of[at] ~= '' then redis.pcall('SREM', ARGV[8] .. of[at], name) end
                end
            end
        end
        local before, replaced = tombstone(KEYS[2])
        local life = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[2]), 1)
        if not before or before < at then before = at end
        redis.call('SET', KEYS[2], string.format('%.0f', before), 'PX', life)
        if #ended > 0 then redis.pcall('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. table.concat(ended, ' ')) end
        if replaced then table.insert(unreadable, '!tombstone') end
        for _, kind in ipairs(unreadable) do table.insert(ended, kind) end
        return ended
        """;

    /// <summary>Removes the name of an expired session from an index. KEYS: index, session. ARGV: name.</summary>
    public const string Prune = TypeFunctions + """
        if has(KEYS[1], 'set') and redis.call('EXISTS', KEYS[2]) == 0 then return redis.call('SREM', KEYS[1], ARGV[1]) end
        return 0
        """;

    /// <summary>Adds a session to an index that is being rebuilt. KEYS: index, session. ARGV: name.</summary>
    public const string AddToIndex = TypeFunctions + """
        remove_wrong_type(KEYS[1], 'set')
        local life = redis.call('PTTL', KEYS[2])
        if life == -2 then return 0 end
        redis.call('SADD', KEYS[1], ARGV[1])
        if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], life) end
        return 1
        """;

    /// <summary>Returns the count and the remaining milliseconds of each counter, one after another. KEYS: counters.</summary>
    public const string ReadFailures = FailureFunction + """
        local answer = {}
        for _, key in ipairs(KEYS) do
            local count, left = failures(key)
            table.insert(answer, count)
            table.insert(answer, left)
        end
        return answer
        """;

    /// <summary>Adds one to each counter and returns the new counts. KEYS: counters. ARGV: limit, TTL in milliseconds of a counter that is new or reaches
    /// the limit.</summary>
    public const string AddFailure = FailureFunction + """
        local answer = {}
        for _, key in ipairs(KEYS) do
            local count, left = failures(key)
            count = count + 1
            if count == 1 or count == tonumber(ARGV[1]) then left = tonumber(ARGV[2]) end
            redis.call('SET', key, string.format('%.0f', count), 'PX', left)
            table.insert(answer, count)
        end
        return answer
        """;

    /// <summary>Acquires a lease. KEYS: session, lease. ARGV: holder, TTL in milliseconds. A lease without expiry, or with a TTL of more than ten
    /// minutes, was not written by a gateway and is removed.</summary>
    public const string AcquireLease = TypeFunctions + """
        if not remove_wrong_type(KEYS[2], 'string') then
            local left = redis.call('PTTL', KEYS[2])
            if left == -1 or left > 600000 then redis.call('DEL', KEYS[2]) end
        end
        if redis.call('EXISTS', KEYS[1]) == 0 or not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
        return 1
        """;

    /// <summary>Returns 1 if nobody holds the lease. KEYS: lease.</summary>
    public const string IsLeaseFree = TypeFunctions + """
        local left = redis.call('PTTL', KEYS[1])
        if not has(KEYS[1], 'string') or left == -1 or left > 600000 then return 1 end
        return 0
        """;

    /// <summary>Releases a lease of the holder. KEYS: lease. ARGV: holder.</summary>
    public const string ReleaseLease = TypeFunctions + """
        if not has(KEYS[1], 'string') or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <summary>Stores a secret unless there is one. KEYS: secret. ARGV: new secret. Returns the stored secret, and 1 if the new one replaced an
    /// unreadable one.</summary>
    public const string GetOrAddSecret = TypeFunctions + """
        local there = redis.call('EXISTS', KEYS[1])
        if has(KEYS[1], 'string') and redis.call('STRLEN', KEYS[1]) == #ARGV[1] then return {redis.call('GET', KEYS[1]), 0} end
        redis.call('SET', KEYS[1], ARGV[1])
        return {ARGV[1], there}
        """;

    /// <summary>Appends an entry if the list still has the known length. KEYS: list. ARGV: known length, entry.</summary>
    public const string AppendIfUnchanged = TypeFunctions + """
        remove_wrong_type(KEYS[1], 'list')
        if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
        redis.call('RPUSH', KEYS[1], ARGV[2])
        return 1
        """;

    /// <summary>Removes an entry of a hash if it still has this value. KEYS: hash. ARGV: name, value.</summary>
    public const string RemoveEntry = TypeFunctions + """
        if fields(KEYS[1], ARGV[1])[1] ~= ARGV[2] then return 0 end
        return redis.call('HDEL', KEYS[1], ARGV[1])
        """;

    /// <summary>Removes keys of the wrong type. KEYS: any keys. ARGV: the expected type of each key. Returns the positions of the removed keys.</summary>
    public const string RemoveWrongType = TypeFunctions + """
        local freed = {}
        for at = 1, #KEYS do
            if remove_wrong_type(KEYS[at], ARGV[at]) then table.insert(freed, at) end
        end
        return freed
        """;
}
