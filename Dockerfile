# Paperless Gateway: its assemblies on Microsoft's ASP.NET Core runtime, and nothing else.
#   docker build --tag paperless-gateway:0.1.0 .

# Always on the builder's own processor: what it publishes is compiled for the other one all the same.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH
WORKDIR /source

# Packages in a layer of their own: it is made again only when a version or a lock file changes.
# First exactly the versions and checksums of the lock file; anything else stops the build. A lock file knows no
# processors (NU1004), so the second restore, of the same packages and of the compiler for one, writes its own.
COPY .editorconfig global.json Directory.Build.props Directory.Packages.props ./
COPY src/Gateway/Gateway.csproj src/Gateway/packages.lock.json src/Gateway/
RUN dotnet restore src/Gateway/Gateway.csproj --locked-mode
RUN dotnet restore src/Gateway/Gateway.csproj --arch $TARGETARCH -p:NuGetLockFilePath=obj/packages.lock.json

# For one processor it is compiled ahead (ReadyToRun): the start takes three quarters of the time.
COPY src/Gateway/ src/Gateway/
RUN dotnet publish src/Gateway/Gateway.csproj --configuration Release --arch $TARGETARCH --no-restore --self-contained false --output /app -p:UseAppHost=false

# The data directory is made here, because the image below has no shell to make one.
RUN install -d -m 0700 /data

# Chiseled Ubuntu: no shell, no package manager, an ordinary user, certificate authorities included. It is the
# variant with glibc, which SQLite's library above is built against. The -extra variant adds ICU and time zones,
# and the gateway uses neither (InvariantGlobalization, and all times are UTC).
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

# Diagnostics off: the runtime would want to write its sockets, and the root file system is to be read-only.
ENV ASPNETCORE_HTTP_PORTS=8080 \
    GATEWAY_MANAGEMENT_URL=http://+:8081 \
    GATEWAY_DATA_DIR=/data \
    DOTNET_EnableDiagnostics=0

WORKDIR /app
COPY LICENSE ./
COPY --from=build /app ./

# The database and the keys; a new named volume takes over this directory's owner (1654). A directory of the host
# in its place must belong to that user.
COPY --from=build --chown=$APP_UID:$APP_UID /data /data
VOLUME ["/data"]

USER $APP_UID

# The public address alone: health and metrics (8081) are for the containers beside this one.
EXPOSE 8080

# Without a shell only the exec form works, so the program asks itself.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["dotnet", "Gateway.dll", "health"]

# Further words are the command: docker compose run --rm --no-deps gateway validate
ENTRYPOINT ["dotnet", "Gateway.dll"]
