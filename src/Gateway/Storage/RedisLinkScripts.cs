namespace Gateway.Storage;

/// <summary>The scripts about account links; see <see cref="RedisScripts"/>.</summary>
internal static class RedisLinkScripts
{
    /// <summary>
    /// Every script about one link begins with these arguments. KEYS: link, link under its legacy name, all links. ARGV: prefix of links, prefix of the
    /// links of a user, prefix of the links of a subject, name, legacy name, provider. Older versions stored a link under its legacy name, without the
    /// provider. Such a link is moved to its name first.
    /// </summary>
    private const string MoveLegacyLink = RedisScripts.TypeFunctions + """
        local function move(from)
            local of = fields(ARGV[1] .. from, 'id', 'user_id')
            redis.call('RENAME', ARGV[1] .. from, KEYS[1])
            redis.call('HSET', KEYS[1], 'provider', ARGV[6], 'at', ARGV[5])
            for _, set in ipairs({ KEYS[3], ARGV[2] .. (of[2] or '') }) do
                redis.pcall('ZREM', set, from)
                redis.pcall('ZADD', set, of[1] or 0, ARGV[4])
            end
            redis.pcall('SREM', ARGV[3] .. ARGV[5], from)
            redis.pcall('SADD', ARGV[3] .. ARGV[5], ARGV[4])
        end
        if redis.call('EXISTS', KEYS[1]) == 0 and fields(KEYS[2], 'provider')[1] == ARGV[6] then move(ARGV[5]) end

        """;

    /// <summary>Removes a link and its entries in all sets, and returns the fields of the link.</summary>
    private const string RemoveFunction = RedisScripts.TypeFunctions + """
        local function remove(name, all)
            local key = ARGV[1] .. name
            local of = fields(key, 'user_id', 'at')
            local was = redis.call('HGETALL', key)
            redis.call('DEL', key)
            redis.pcall('ZREM', all, name)
            if of[1] then redis.pcall('ZREM', ARGV[2] .. of[1], name) end
            if of[2] then redis.pcall('SREM', ARGV[3] .. of[2], name) end
            return was
        end

        """;

    /// <summary>Returns the fields of a link. Arguments: see <see cref="MoveLegacyLink"/>.</summary>
    public const string Find = MoveLegacyLink + "return redis.call('HGETALL', KEYS[1])";

    /// <summary>Gives the person an orphaned link. After the arguments of <see cref="MoveLegacyLink"/>: KEYS: links of issuer and subject. ARGV: the
    /// configured providers.</summary>
    public const string AdoptOrphan = MoveLegacyLink + """
        local configured = {}
        for at = 7, #ARGV do configured[ARGV[at]] = true end
        local orphans = {}
        local names = has(KEYS[4], 'set') and redis.call('SMEMBERS', KEYS[4]) or {}
        table.insert(names, ARGV[5])
        for _, name in ipairs(names) do
            local provider = fields(ARGV[1] .. name, 'provider')[1]
            if provider and not configured[provider] then table.insert(orphans, name) end
        end
        if redis.call('EXISTS', KEYS[1]) == 0 and #orphans == 1 then move(orphans[1]) end
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>
    /// Adds a link. After the arguments of <see cref="MoveLegacyLink"/>: KEYS: reservation, reservation under its legacy name, links of the user,
    /// counter, claimed users, links of issuer and subject. ARGV: 1 if the user must be free, the entry in the claimed users, fields.
    /// </summary>
    public const string Add = MoveLegacyLink + """
        local unreadable = redis.call('EXISTS', KEYS[8]) == 1 and not has(KEYS[8], 'set')
        local taken = unreadable or redis.call('EXISTS', KEYS[6]) == 1 or redis.call('SISMEMBER', KEYS[8], ARGV[8]) == 1
        if redis.call('EXISTS', KEYS[1]) == 0 and not (ARGV[7] == '1' and taken) then
            local id = redis.call('INCR', KEYS[7])
            redis.call('HSET', KEYS[1], 'id', id, 'at', ARGV[5])
            for at = 9, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
            redis.pcall('SADD', KEYS[8], ARGV[8])
            redis.call('ZADD', KEYS[3], id, ARGV[4])
            redis.call('ZADD', KEYS[6], id, ARGV[4])
            remove_wrong_type(KEYS[9], 'set')
            redis.call('SADD', KEYS[9], ARGV[4])
        end
        if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[4], KEYS[5]) end
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>Removes a link of a user. KEYS: links of the user, all links. ARGV: the three prefixes, number of the link, user.</summary>
    public const string RemoveById = RemoveFunction + """
        local names = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], ARGV[4])
        local of = names[1] and fields(ARGV[1] .. names[1], 'id', 'user_id')
        if not of or of[1] ~= ARGV[4] or of[2] ~= ARGV[5] then return {} end
        return remove(names[1], KEYS[2])
        """;

    /// <summary>Removes the link of a person. Arguments: see <see cref="MoveLegacyLink"/>.</summary>
    public const string RemoveOfPerson = MoveLegacyLink + RemoveFunction + """
        if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
        return remove(ARGV[4], KEYS[3])
        """;

    /// <summary>Stores a later assertion of the provider. After the arguments of <see cref="MoveLegacyLink"/>: ARGV: id, time, label.</summary>
    public const string UpdateAssertion = MoveLegacyLink + """
        local of = redis.call('HMGET', KEYS[1], 'id', 'heard_at')
        if of[1] ~= ARGV[7] or (tonumber(of[2] or '') or 0) > tonumber(ARGV[8]) then return 0 end
        redis.call('HSET', KEYS[1], 'heard_at', ARGV[8], 'label', ARGV[9])
        return 1
        """;
}
